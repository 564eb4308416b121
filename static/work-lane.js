// One lane of the proof of work. Plain SHA-256: a call to Web Crypto for each try costs more than
// the hash, and Web Crypto is missing where the page is not secure.
const K = new Uint32Array(64);
const H = new Uint32Array(8);
{
  // FIPS 180-4 4.2.2 and 5.3.3: fractional parts of the roots of the first primes.
  const part = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
  for (let n = 2, i = 0; i < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (i < 8) H[i] = part(Math.sqrt(n));
    K[i] = part(Math.cbrt(n));
    i += 1;
  }
}
const w = new Int32Array(64);
const state = new Int32Array(8);

function block(bytes, at) {
  for (let i = 0; i < 16; i += 1) {
    const j = at + i * 4;
    w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
  }
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

function zeros(text) {
  const length = text.length;
  const bytes = new Uint8Array((((length + 8) >> 6) + 1) << 6);
  for (let i = 0; i < length; i += 1) bytes[i] = text.charCodeAt(i);
  bytes[length] = 0x80;
  new DataView(bytes.buffer).setUint32(bytes.length - 4, length * 8);
  state.set(H);
  for (let at = 0; at < bytes.length; at += 64) block(bytes, at);
  let count = 0;
  for (let i = 0; i < 8; i += 1) {
    const lead = Math.clz32(state[i]);
    count += lead;
    if (lead < 32) break;
  }
  return count;
}

self.onmessage = ({ data }) => {
  const { challenge, bits, start, step } = data;
  let since = 0;
  for (let nonce = start; ; nonce += step) {
    if (zeros(challenge + ":" + nonce) >= bits) {
      self.postMessage({ nonce: String(nonce) });
      return;
    }
    since += 1;
    if (since === 4096) {
      self.postMessage({ tried: since });
      since = 0;
    }
  }
};
