// Dialogs: the browser's own, which keep the focus inside, end with Escape, and return it to where it was.
import { form } from "./form.js";
import { h } from "./view.js";

/** Show a dialog and return what it was ended with; undefined after Escape. `build` is given the function that ends it. */
export function ask(title, build) {
  return new Promise((resolve) => {
    let result;
    const end = (value) => ((result = value), dialog.close());
    const dialog = h("dialog", { "aria-labelledby": "dialog-title", onclose: () => (dialog.remove(), resolve(result)) },
      h("h2", { id: "dialog-title" }, title), build(end));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Ask for values and send them; the dialog stays until that succeeds. Return what `onSubmit` returned, or undefined. */
export function askForm(title, { text, fields = [], onSubmit, ...options }) {
  return ask(title, (end) => [
    text && h("p", {}, text),
    form(fields, { ...options, onSubmit: async (values, node) => end((await onSubmit(values, node)) ?? true), onCancel: () => end() }),
  ]);
}
