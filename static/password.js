// Shows and hides a typed password. The button stands hidden in the page until this runs.
for (const button of document.querySelectorAll("button[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  const status = document.getElementById(button.dataset.shows + "-state");
  if (!field) continue;
  const set = (visible, tell) => {
    field.type = visible ? "text" : "password";
    button.textContent = visible ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-label", visible ? button.dataset.hideLabel : button.dataset.showLabel);
    if (status && tell) status.textContent = visible ? button.dataset.visible : button.dataset.hidden;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    set(field.type === "password", true);
    field.focus();
  });
  // Sent as a password again, so that the browser never keeps it among the words it has seen typed.
  if (field.form) field.form.addEventListener("submit", () => set(false, false));
}
