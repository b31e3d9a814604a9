/** A picture as the media socket sends it; docs/media-socket.md describes the bytes. */
export interface PictureMessage {
  format: 'vp8' | 'i420';
  width: number;
  height: number;
  sequence: number;
  /** In microseconds. */
  timestamp: number;
  data: Uint8Array<ArrayBuffer>;
}

/** Bytes before the picture. */
const HEADER = 20;

/** Reads one binary message; nothing where it is none. */
export function readPicture(message: ArrayBuffer): PictureMessage | undefined {
  if (message.byteLength <= HEADER) return undefined;
  const view = new DataView(message);
  const format = (['vp8', 'i420'] as const)[view.getUint8(0)];
  if (!format) return undefined;
  return {
    format,
    width: view.getUint16(2, true),
    height: view.getUint16(4, true),
    sequence: view.getUint32(8, true),
    timestamp: Number(view.getBigUint64(12, true)),
    data: new Uint8Array(message, HEADER),
  };
}
