import { ApiError, api } from '../api/client';
import type { Problem, StreamMessage } from '../api/types';
import captureUrl from './capture.worklet.ts?worker&url';
import { closeMicrophone, openMicrophone } from './microphone';
import { levelDecibels, pcm16Bytes, toPcm16, wavFile } from './pcm';

export type Ready = Extract<StreamMessage, { type: 'ready' }>;
export type Partial = Extract<StreamMessage, { type: 'partial' }>;
export type Final = Extract<StreamMessage, { type: 'final' }>;

/** The page keeps what it sends, to play it afterwards; ten minutes at 48 kHz are 58 MB. */
const LONGEST_SECONDS = 600;

export interface LiveEvents {
  ready: (message: Ready) => void;
  partial: (message: Partial) => void;
  /** Loudness of the newest block in decibels, and how much has been heard. */
  level: (decibels: number, seconds: number) => void;
  /** The longest time for one go is over; the session ends by itself. */
  full: () => void;
  /** The last message; with what was heard as a file. */
  final: (message: Final, heard: Blob) => void;
  /** The server refused, or the connection broke (without a problem). */
  fault: (problem: Problem | null) => void;
}

export interface LiveSession {
  stop: () => void;
  /** Ends everything without waiting for the last answer. */
  abandon: () => void;
}

/** Opens the microphone and the stream. Faults of the microphone are thrown, all others reported as events. */
export async function startLive(
  settings: { model: string | null; window: number; hop: number },
  events: LiveEvents,
): Promise<LiveSession> {
  const stream = await openMicrophone();
  const context = new AudioContext();
  const kept: Int16Array[] = [];
  let samples = 0;
  let open = false;
  let over = false;

  try {
    await context.audioWorklet.addModule(captureUrl);
  } catch (reason) {
    closeMicrophone(stream);
    void context.close();
    throw reason;
  }
  const capture = new AudioWorkletNode(context, 'capture', {
    numberOfOutputs: 0,
    channelCount: 1,
    channelCountMode: 'explicit',
  });
  context.createMediaStreamSource(stream).connect(capture);
  const socket = api.stream();

  const silence = () => {
    open = false;
    capture.port.onmessage = null;
    closeMicrophone(stream);
    if (context.state !== 'closed') void context.close();
  };
  const end = () => {
    over = true;
    silence();
    socket.close();
  };
  const stop = () => {
    if (!open) return end();
    silence();
    socket.send(JSON.stringify({ type: 'stop' }));
  };

  capture.port.onmessage = (event: MessageEvent<Float32Array>) => {
    if (!open) return;
    const block = toPcm16(event.data);
    socket.send(pcm16Bytes(block));
    kept.push(block);
    samples += block.length;
    events.level(levelDecibels(event.data, 1), samples / context.sampleRate);
    if (samples / context.sampleRate >= LONGEST_SECONDS) {
      stop();
      events.full();
    }
  };
  socket.addEventListener('open', () => {
    const start = {
      type: 'start',
      format: 'pcm_s16le',
      sample_rate: context.sampleRate,
      window: settings.window,
      hop: settings.hop,
    };
    socket.send(JSON.stringify(settings.model === null ? start : { ...start, model: settings.model }));
  });
  socket.addEventListener('message', (event: MessageEvent<string>) => {
    const message = JSON.parse(event.data) as StreamMessage;
    if (message.type === 'ready') {
      open = true;
      events.ready(message);
    } else if (message.type === 'partial') {
      events.partial(message);
    } else if (message.type === 'final') {
      const heard = wavFile(kept, context.sampleRate);
      end();
      events.final(message, heard);
    } else {
      end();
      events.fault(message.problem);
    }
  });
  socket.addEventListener('close', () => {
    if (over) return;
    end();
    // A refused handshake says nothing to a page; an ordinary request finds out whether a key is missing.
    api.info().then(
      () => events.fault(null),
      (reason: unknown) => events.fault(reason instanceof ApiError ? reason.problem : null),
    );
  });
  return { stop, abandon: end };
}
