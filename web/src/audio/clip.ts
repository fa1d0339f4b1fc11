import { closeMicrophone, MicrophoneError, openMicrophone } from './microphone';
import { levelDecibels } from './pcm';

export interface Clip {
  /** Loudness at this moment, in decibels of full scale. */
  level: () => number;
  /** Ends the recording and returns it as the browser wrote it. */
  stop: () => Promise<Blob>;
  cancel: () => void;
}

/** Records from the microphone in whatever container the browser writes. */
export async function recordClip(): Promise<Clip> {
  const stream = await openMicrophone();
  if (typeof MediaRecorder === 'undefined') {
    closeMicrophone(stream);
    throw new MicrophoneError('unsupported');
  }
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const block = new Float32Array(analyser.fftSize);
  const recorder = new MediaRecorder(stream);
  const parts: Blob[] = [];
  recorder.addEventListener('dataavailable', (event) => parts.push(event.data));
  const ended = new Promise<void>((resolve) => recorder.addEventListener('stop', () => resolve()));
  recorder.start();

  const close = () => {
    closeMicrophone(stream);
    void context.close();
  };
  return {
    level: () => {
      analyser.getFloatTimeDomainData(block);
      return levelDecibels(block, 1);
    },
    stop: async () => {
      if (recorder.state !== 'inactive') recorder.stop();
      await ended;
      close();
      const blob = new Blob(parts, { type: recorder.mimeType });
      if (blob.size === 0) throw new MicrophoneError('empty');
      return blob;
    },
    cancel: () => {
      if (recorder.state !== 'inactive') recorder.stop();
      close();
    },
  };
}
