export type MicrophoneFault = 'insecure' | 'unsupported' | 'refused' | 'missing' | 'busy' | 'empty';

export class MicrophoneError extends Error {
  constructor(readonly fault: MicrophoneFault) {
    super(fault);
  }
}

/** Why there is no microphone, in the words of this page. */
export function faultOf(reason: unknown): MicrophoneFault {
  if (reason instanceof MicrophoneError) return reason.fault;
  const name = reason instanceof DOMException ? reason.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'refused';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing';
  return 'busy';
}

export async function openMicrophone(): Promise<MediaStream> {
  if (!isSecureContext) throw new MicrophoneError('insecure');
  if (navigator.mediaDevices === undefined) throw new MicrophoneError('unsupported');
  return navigator.mediaDevices.getUserMedia({
    // The browser's cleaning is made for calls: it evens out the loudness and the tone that carry the expression.
    audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
}

export function closeMicrophone(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
