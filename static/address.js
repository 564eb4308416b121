// Says what the address will be to those who do not see the "@…" beside the field, once typing stops.
const line = document.querySelector("[data-address]");
const field = document.getElementById("username");
if (line && field) {
  let timer;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const name = field.value.trim().toLowerCase();
      line.textContent = /^[a-z][a-z0-9_-]+$/.test(name) ? line.dataset.address.replace("%", () => name) : "";
    }, 1000);
  });
}
