import { MessageChannel } from 'node:worker_threads';
import type { Tensor } from '../onnx/index.ts';

/** A port whose other end is closed: what is sent there is thrown away. */
let nowhere: { postMessage(value: null, moved: readonly ArrayBuffer[]): void } | undefined;

/** Bytes that are worth a message. */
const WORTH = 2 ** 16;

/**
 * Frees the memory of a tensor that nothing else reads, by the next turn rather than at some collection:
 * the collector knows little of what lies outside its heap, and copies of gradients are tens of megabytes
 * a step.
 */
export function freeTensor({ type, data }: Tensor): void {
  if (type === 'string' || data.buffer.byteLength < WORTH) return;
  if (!nowhere) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    nowhere = port1;
  }
  nowhere.postMessage(null, [data.buffer as ArrayBuffer]);
}
