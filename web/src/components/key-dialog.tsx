import { keyWanted, setKey } from '../api/client';
import { useText } from '../i18n';
import { useStore } from '../store';
import { Dialog } from './dialog';

/** Asks for the key when the server wanted one. */
export function KeyDialog({ saved }: { saved: () => void }) {
  const { t } = useText();
  const wanted = useStore(keyWanted);
  if (!wanted) return null;
  const close = () => keyWanted.set(false);
  return (
    <Dialog title={t.key.title} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const value = new FormData(event.currentTarget).get('key');
          setKey(typeof value === 'string' ? value.trim() : '');
          close();
          saved();
        }}
      >
        <p>{t.key.help}</p>
        <label class="field">
          <span>{t.key.label}</span>
          <input name="key" type="password" autocomplete="off" required />
        </label>
        <div class="row end">
          <button type="button" class="button" onClick={close}>
            {t.shell.cancel}
          </button>
          <button type="submit" class="button primary">
            {t.key.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
