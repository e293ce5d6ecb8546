import { MessageChannel } from 'node:worker_threads';
import type { Tensor } from '../onnx/index.ts';

/** A port whose other end is closed: buffers transferred to it are freed. */
let closedPort: { postMessage(value: null, transfer: readonly ArrayBuffer[]): void } | undefined;

/** Smaller buffers are left to the garbage collector. */
const MIN_BYTES = 2 ** 16;

/**
 * Frees the memory of a tensor that nothing else reads, without waiting for a garbage collection. The
 * collector does not see memory outside its heap, and copies of gradients take tens of megabytes a step.
 */
export function freeTensor({ type, data }: Tensor): void {
  if (type === 'string' || data.buffer.byteLength < MIN_BYTES) return;
  if (!closedPort) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    closedPort = port1;
  }
  closedPort.postMessage(null, [data.buffer as ArrayBuffer]);
}
