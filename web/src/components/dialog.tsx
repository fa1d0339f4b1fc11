import { useEffect, useId, useRef } from 'preact/hooks';
import { useText } from '../i18n';

interface DialogProps {
  title: string;
  close: () => void;
  children: preact.ComponentChildren;
}

/** A modal dialog: the browser keeps the focus inside and closes it with Escape. */
export function Dialog({ title, close, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={close}>
      <h2 id={heading} dir="auto">
        {title}
      </h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  help: string;
  action: string;
  danger?: boolean;
  confirm: () => void;
  close: () => void;
}

export function Confirm({ title, help, action, danger, confirm, close }: ConfirmProps) {
  const { t } = useText();
  return (
    <Dialog title={title} close={close}>
      <p>{help}</p>
      <div class="row end">
        <button type="button" class="button" onClick={close}>
          {t.shell.cancel}
        </button>
        <button
          type="button"
          class={danger === true ? 'button danger' : 'button primary'}
          onClick={() => {
            close();
            confirm();
          }}
        >
          {action}
        </button>
      </div>
    </Dialog>
  );
}
