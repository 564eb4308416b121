// Counts down beside "Send a new code". The button works all the while: the server has the last word.
for (const line of document.querySelectorAll("[data-wait]")) {
  const number = line.querySelector("[data-seconds]");
  const end = performance.now() + Number(line.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      line.hidden = true;
      return;
    }
    if (number) number.textContent = String(left);
    setTimeout(tick, 250);
  };
  tick();
}
