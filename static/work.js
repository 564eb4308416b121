// Proof of work: find a nonce so that SHA-256(challenge ":" nonce) begins with enough zero bits,
// in workers, and send it. The picture in the page is the other way, so nobody has to wait.
const form = document.querySelector("form[data-challenge]");
if (form && window.Worker) {
  const { challenge, bits, worker } = form.dataset;
  const bar = form.querySelector("progress");
  const expected = 2 ** Number(bits);
  const count = Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 2) - 1));
  const workers = [];
  let tried = 0;
  const stop = () => workers.forEach((one) => one.terminate());
  for (let lane = 0; lane < count; lane += 1) {
    const one = new Worker(worker);
    one.onmessage = ({ data }) => {
      if (data.nonce === undefined) {
        tried += data.tried;
        // The chance that it would be found by now: honest, and never quite full.
        if (bar) bar.value = 1 - Math.exp(-tried / expected);
        return;
      }
      stop();
      if (bar) bar.value = 1;
      form.elements.work.value = data.nonce;
      form.submit();
    };
    workers.push(one);
    one.postMessage({ challenge, bits: Number(bits), start: lane, step: count });
  }
  for (const part of document.querySelectorAll("[data-working]")) part.hidden = false;
  // Whoever types the letters does not need the work.
  for (const other of document.querySelectorAll("form")) other.addEventListener("submit", stop);
}
