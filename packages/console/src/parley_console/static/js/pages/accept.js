// Take an invitation or a link for a new password.
import { address, request } from "../http.js";
import { field, form } from "../form.js";
import { go } from "../router.js";
import { begin } from "../session.js";
import { texts } from "../texts.js";
import { h, pageHead } from "../view.js";

const words = texts.accept;

export default function showAccept({ parameters: { token } }) {
  const fields = [
    field("name", words.name, { optional: true, hint: words.nameHint, autocomplete: "name" }),
    field("password", words.password, { type: "password", hint: words.passwordHint, autocomplete: "new-password" }),
  ];
  return h("div", { class: "card door" }, pageHead(words.title, { below: h("p", { class: "quiet" }, words.text) }),
    form(fields, { submit: words.submit, onSubmit: async (values) => {
      begin(await (await request("POST", address("/v1/auth/accept"), { body: { token, ...values } })).json());
      go("/interviews");
    } }));
}
