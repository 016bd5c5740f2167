// Log in; or choose the first or another password with a link.
import { request } from "../http.js";
import { field, form } from "../form.js";
import { go } from "../router.js";
import { begin, isLoggedIn } from "../session.js";
import { texts } from "../texts.js";
import { h, pageHead, quiet } from "../view.js";

const words = texts.door;

export default function showDoor({ parameters: { token }, query }) {
  const path = token ? "/v1/auth/accept" : "/v1/auth/login";
  const enter = () => go(query.back || "/interviews");
  if (isLoggedIn() && !token) enter();
  const fields = token
    ? [field("name", { optional: true, hint: words.nameHint, autocomplete: "name" }),
      field("password", { type: "password", label: words.newPassword, hint: words.passwordHint, autocomplete: "new-password" })]
    : [field("email", { type: "email", autocomplete: "username" }), field("password", { type: "password", autocomplete: "current-password" })];
  return h("div.card.door", pageHead(token ? words.choose : words.logIn, quiet(token ? words.chooseText : words.welcome)),
    query.back && h("p.notice", words.past),
    form(fields, token ? words.chooseSubmit : words.logIn, async (values) => {
      const response = await request("POST", path, {}, token ? { token, ...values } : { email: "", ...values });
      begin(await response.json());
      enter();
    }),
    !token && quiet(words.forgotten));
}
