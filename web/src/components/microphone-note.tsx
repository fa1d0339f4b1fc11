import type { MicrophoneFault } from '../audio/microphone';
import { useText } from '../i18n';
import { Fault } from './problem';

/** Why the microphone did not work, and what to do. */
export function MicrophoneNote({ fault }: { fault: MicrophoneFault }) {
  const { t } = useText();
  return <Fault title={t.microphone[fault]} help={t.microphone[`${fault}Help`]} />;
}
