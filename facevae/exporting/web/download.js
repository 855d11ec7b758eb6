// Loads files and counts their bytes.

/** Several files that are loaded at once; `report(share, loaded, total)` hears of each piece, in bytes sent. */
export class Downloads {
  /** `sizes`: of each file, unpacked bytes. */
  constructor(sizes, report) {
    this.sizes = sizes;
    this.report = report;
    this.files = new Map();
  }

  /** A response whose body is counted while it is read. */
  async fetch(name, type = "application/octet-stream") {
    const response = await fetched(name);
    const unpacked = this.sizes[name] ?? 0;
    // Of a compressed file, the header counts what is sent, while the body yields unpacked bytes.
    const sent = Number(response.headers.get("content-length")) || unpacked;
    const file = { unpacked, sent, read: 0 };
    this.files.set(name, file);
    const counter = new TransformStream({
      transform: (piece, controller) => {
        file.read += piece.byteLength;
        this.tell();
        controller.enqueue(piece);
      },
    });
    return new Response(response.body.pipeThrough(counter), { headers: { "content-type": type } });
  }

  tell() {
    let loaded = 0;
    let total = 0;
    for (const { unpacked, sent, read } of this.files.values()) {
      loaded += sent * (unpacked ? Math.min(1, read / unpacked) : 0);
      total += sent;
    }
    this.report(total ? loaded / total : 0, loaded, total);
  }
}

/** `fetch`, whose failures are sentences. */
export async function fetched(name) {
  let response;
  try {
    response = await fetch(new URL(name, import.meta.url));
  } catch {
    throw new Error(`${name} could not be loaded: there is no network, or something here blocks it. Reload when it is back.`);
  }
  if (!response.ok) {
    throw new Error(`The server has no ${name} (status ${response.status}). Copy the whole folder of the page to it, and reload.`);
  }
  return response;
}
