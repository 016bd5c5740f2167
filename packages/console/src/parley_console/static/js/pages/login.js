// Log in.
import { address, request } from "../http.js";
import { field, form } from "../form.js";
import { go } from "../router.js";
import { begin, isLoggedIn } from "../session.js";
import { texts } from "../texts.js";
import { h, notice, pageHead } from "../view.js";

const words = texts.login;

export default function showLogin({ query }) {
  const goOn = () => go(query.back ?? "/interviews");
  if (isLoggedIn()) goOn();
  const fields = [
    field("email", words.email, { type: "email", autocomplete: "username", autocapitalize: "none" }),
    field("password", words.password, { type: "password", autocomplete: "current-password" }),
  ];
  return h("div", { class: "card door" }, pageHead(words.title, { below: h("p", { class: "quiet" }, words.welcome) }),
    query.back && notice("", texts.errors.pastSession),
    form(fields, { submit: words.submit, onSubmit: async (values) => {
      begin(await (await request("POST", address("/v1/auth/login"), { body: { email: "", ...values } })).json());
      goOn();
    } }),
    h("p", { class: "quiet" }, words.forgotten));
}
