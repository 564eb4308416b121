// On wide screens the first empty field waits for typing. On phones the keyboard would cover the
// page, and after a mistake the list of mistakes has the focus already.
const form = document.querySelector("form[data-focus]");
if (form && matchMedia("(min-width: 46rem) and (hover: hover)").matches && !document.getElementById("sum")) {
  const fields = [...form.querySelectorAll(".in input")];
  fields.find((field) => !field.value)?.focus();
}
