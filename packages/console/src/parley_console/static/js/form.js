// Forms and dialogs: fields with their labels, and what the API says about each of them.
import { texts } from "./texts.js";
import { actions, alarm, button, h } from "./view.js";

let count = 0;

/**
 * Return a field. Its name is the pointer of its value in the request's body, and finds its label and hint in the texts.
 *
 * `options` are the pairs of value and text of a choice, `suggestions` what a text may be. Other members are attributes.
 */
export function field(name, { type = "text", value, options, suggestions, optional, label, hint, ...attributes } = {}) {
  const id = `f${count++}`;
  const list = suggestions && h("datalist", { id: `${id}-list` }, suggestions.map((one) => h("option", { value: one })));
  const common = { id, name, "aria-describedby": `${id}-hint ${id}-error`, list: list?.id, ...attributes };
  return h("div.field", { class: type },
    h("label", { for: id }, label ?? texts.fields[name], optional && h("span.optional", ` ${texts.optional}`)),
    controlOf(type, common, value, options), list,
    h("p.hint", { id: `${id}-hint` }, hint ?? texts.hints[name]), h("p.field-error", { id: `${id}-error` }));
}

function controlOf(type, attributes, value, options) {
  if (options) return h("select", attributes, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  if (type === "textarea") return h("textarea", { rows: 3, ...attributes }, value);
  return h("input", { type, value, ...attributes });
}

/**
 * Return a form that sends its values by name and shows what was refused, each at its field.
 *
 * `onSubmit` is given the values; a Problem that it raises is shown. `onCancel` adds a way back.
 */
export function form(fields, submit, onSubmit, { kind = "primary", onCancel } = {}) {
  const general = h("div");
  const node = h("form", { novalidate: true, onsubmit: (event) => (event.preventDefault(), run()) },
    fields, general, actions(h("button", { class: kind }, submit), onCancel && button(texts.back, onCancel)));

  async function run() {
    if (node.ariaBusy) return;
    general.replaceChildren();
    node.querySelectorAll("[aria-invalid]").forEach((control) => showAt(control));
    node.ariaBusy = "true";
    try {
      await onSubmit(valuesOf(node));
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      showProblem(node, general, problem);
    } finally {
      node.ariaBusy = null;
    }
  }
  return node;
}

const controlsOf = (node) => [...node.elements].filter(({ name }) => name);

/** Return the values by name: trimmed texts, undefined where nothing was entered, true and false for boxes. */
export const valuesOf = (node) => Object.fromEntries(controlsOf(node).map((control) => [control.name, valueOf(control)]));

function valueOf({ type, value, checked }) {
  if (type === "checkbox") return checked;
  if (type === "password") return value;
  return value.trim() === "" ? undefined : type === "number" ? Number(value) : value.trim();
}

function showAt(control, message = "") {
  control.ariaInvalid = message ? "true" : null;
  document.getElementById(`${control.id}-error`).replaceChildren(message);
}

/** Show each error at the field that its pointer names, the rest above the buttons, and move to the first field. */
function showProblem(node, general, problem) {
  const rest = problem.errors.filter(({ pointer, message }) => {
    const name = pointer.slice(2);
    const control = name && controlsOf(node).find((one) => one.name === name || one.name.startsWith(`${name}/`));
    if (control) showAt(control, message);
    return !control;
  });
  const first = node.querySelector("[aria-invalid]");
  if (!first || rest.length) general.replaceChildren(alarm(rest.map(({ message }) => message).join(" ") || problem.message));
  first?.focus();
}

/**
 * Show a dialog and return what it ended with, undefined after Escape. `build` is given the function that ends it.
 *
 * It is the browser's own: the focus stays inside, and returns to where it was.
 */
export const ask = (title, build) => new Promise((resolve) => {
  let result;
  const dialog = h("dialog", { "aria-label": title, onclose: () => (dialog.remove(), resolve(result)) },
    h("h2", title), build((value) => ((result = value), dialog.close())));
  document.body.append(dialog);
  dialog.showModal();
});

/** Ask for values and send them; the dialog stays until that succeeds. */
export const askForm = (title, fields, onSubmit, { text, submit = title, kind } = {}) => ask(title, (end) => [
  text && h("p", text),
  form(fields, submit, async (values) => end((await onSubmit(values)) ?? true), { kind, onCancel: () => end() }),
].filter(Boolean));
