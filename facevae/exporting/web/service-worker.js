// Keeps the page for times without a network: one cache for each version of it.

"use strict";

importScripts("offline-files.js"); // {version, files}

const { version, files } = self.OFFLINE;
const PREFIX = `faces in ${self.registration.scope}: `;
const CACHE = PREFIX + version;
const build = new URL(self.location).searchParams.get("build"); // of the runtime, which this browser runs
const PAGE = new URL(self.registration.scope).pathname;

let replaced = false; // whether the server has another version, or another page, by now

self.addEventListener("install", (event) => {
  const names = [...files, `litert/wasm/${build}.js`, `litert/wasm/${build}.wasm`];
  const requests = names.map((name) => new Request(name, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
  if (event.data === "version") event.ports[0].postMessage(version);
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(self.registration.scope)) event.respondWith(answer(event.request));
});

async function answer(request) {
  const { pathname } = new URL(request.url);
  const isPage = request.mode === "navigate" && [PAGE, `${PAGE}index.html`].includes(pathname);
  if (isPage) replaced = await isReplaced();
  if (replaced) return fetch(request);
  const cache = await caches.open(CACHE);
  const kept = await cache.match(isPage ? "index.html" : request);
  if (kept) return kept;
  const response = await fetch(request);
  // What is large and not always used, as the encoder, is kept from its first use.
  if (response.ok && !pathname.endsWith("/offline-files.js")) cache.put(request, response.clone());
  return response;
}

/** Whether the server answers in time with another version; without a network nothing is known to be newer. */
async function isReplaced() {
  try {
    const response = await fetch("offline-files.js", { cache: "no-store", signal: AbortSignal.timeout(2500) });
    return !response.ok || !(await response.text()).includes(version);
  } catch {
    return false;
  }
}
