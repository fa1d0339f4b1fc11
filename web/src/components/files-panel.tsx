import { useRef } from 'preact/hooks';
import { useText } from '../i18n';
import { ask } from '../items';
import { Icon } from './icon';

export function askFiles(files: FileList | null | undefined): void {
  ask(
    [...(files ?? [])].map((file) => ({ name: file.name, blob: file })),
    false,
  );
}

/** Chooses files. Dropping works on the whole view, which is easier to hit. */
export function FilesPanel() {
  const { t } = useText();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="stage">
      <button type="button" class="record" onClick={() => input.current?.click()}>
        <span class="record-dot">
          <Icon name="upload" />
        </span>
        <span class="record-word">{t.listen.choose}</span>
      </button>
      <div class="stage-text">
        <p>{t.listen.drop}</p>
        <p class="faint">{t.listen.dropHelp}</p>
      </div>
      <input
        ref={input}
        class="hidden"
        type="file"
        accept="audio/*,video/webm,.wav,.flac,.mp3,.ogg,.opus,.oga,.m4a,.aac,.aif,.aiff,.webm"
        multiple
        tabIndex={-1}
        aria-label={t.listen.choose}
        onChange={(event) => {
          askFiles(event.currentTarget.files);
          // The same file can be chosen again.
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}
