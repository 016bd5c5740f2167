// Forms: fields with their labels, and what the API says about each of them.
import { texts } from "./texts.js";
import { button, h } from "./view.js";

let count = 0;

/**
 * Return a field: label, control, hint and the place of its error.
 *
 * @param name the pointer of the value in the request's body, like `title` or `participants/0/user_email`
 * @param options for a choice: pairs of value and text
 */
export function field(name, label, { type = "text", hint, options, value, suggestions, optional, ...attributes } = {}) {
  const id = `f${count++}`;
  const described = `${id}-hint ${id}-error`;
  const common = { id, name, "aria-describedby": described, "aria-required": optional ? undefined : "true", ...attributes };
  const list = suggestions && h("datalist", { id: `${id}-list` }, suggestions.map((one) => h("option", { value: one })));
  const control = controlOf(type, { ...common, list: list?.id }, options, value);
  return h("div", { class: `field ${type}` },
    h("label", { for: id }, label, optional && h("span", { class: "optional" }, ` ${texts.optional}`)), control, list,
    h("p", { class: "hint", id: `${id}-hint` }, hint), h("p", { class: "field-error", id: `${id}-error` }));
}

function controlOf(type, attributes, options, value) {
  if (options) return h("select", attributes, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  if (type === "textarea") return h("textarea", { rows: 3, ...attributes }, value);
  if (type === "checkbox") return h("input", { type, ...attributes, checked: value });
  return h("input", { type, value, ...attributes });
}

/**
 * Return a form that sends its values and shows what was refused, each at its field.
 *
 * @param onSubmit is given the values by name, and the form; a Problem that it raises is shown
 */
export function form(fields, { submit, kind = "primary", onSubmit, onCancel, ...properties }) {
  const general = h("p", { class: "notice error", role: "alert", hidden: true });
  const send = h("button", { class: kind }, submit);
  const node = h("form", { novalidate: true, ...properties, onsubmit: (event) => (event.preventDefault(), run()) },
    fields, general, h("div", { class: "actions" }, send, onCancel && button(texts.cancel, onCancel)));

  async function run() {
    if (node.hasAttribute("aria-busy")) return;
    clearErrors(node, general);
    node.setAttribute("aria-busy", "true");
    try {
      await onSubmit(valuesOf(node), node);
    } catch (problem) {
      if (!problem.errors) throw problem;
      showProblem(node, general, problem);
    } finally {
      node.removeAttribute("aria-busy");
    }
  }
  return node;
}

/** Return the values by name: trimmed texts, undefined where nothing was entered, true and false for boxes. */
export function valuesOf(node) {
  const controls = [...node.elements].filter((control) => control.name);
  return Object.fromEntries(controls.map((control) => [control.name, valueOf(control)]));
}

function valueOf({ type, value, checked }) {
  if (type === "checkbox") return checked;
  if (type === "number") return value === "" ? undefined : Number(value);
  if (type === "password") return value;
  return value.trim() || undefined;
}

function clearErrors(node, general) {
  general.hidden = true;
  for (const control of node.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    document.getElementById(`${control.id}-error`).replaceChildren();
  }
}

/** Show each error at the field that its pointer names, the rest above the buttons, and move to the first field. */
function showProblem(node, general, problem) {
  const lost = problem.errors.filter((error) => !showAtField(node, error));
  const first = node.querySelector("[aria-invalid]");
  if (!first || lost.length) {
    general.replaceChildren(lost.map(({ message }) => message).join(" ") || problem.message);
    general.hidden = false;
  }
  first?.focus();
}

function showAtField(node, { pointer, message }) {
  const name = pointer.replace(/^#\//, "");
  const controls = [...node.elements].filter((control) => control.name);
  const control = controls.find((one) => one.name === name) ?? controls.find((one) => one.name.startsWith(`${name}/`));
  if (!control) return false;
  control.setAttribute("aria-invalid", "true");
  document.getElementById(`${control.id}-error`).replaceChildren(message);
  return true;
}
