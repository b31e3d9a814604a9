/** What the first bytes of a VP8 frame say (RFC 6386, section 9.1). */
export interface Vp8Head {
  key: boolean;
  /** In pixels; only key frames tell. */
  width?: number;
  height?: number;
}

/** Reads the head of an encoded frame; nothing where it is none. */
export function readVp8Head(data: Uint8Array): Vp8Head | undefined {
  const [tag] = data;
  if (tag === undefined || data.length < 3) return undefined;
  if (tag & 1) return { key: false };
  if (data.length < 10 || data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  // The two upper bits of each are a scaling hint.
  return { key: true, width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff };
}
