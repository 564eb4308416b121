// The second click of a double click sends nothing. After three seconds it counts again.
let sent = 0;
addEventListener("submit", (event) => {
  if (event.timeStamp - sent < 3000 && sent) event.preventDefault();
  else sent = event.timeStamp;
});
addEventListener("pageshow", () => (sent = 0));
