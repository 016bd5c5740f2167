// Log in, or choose a password with a link.
import {fieldsOf, form} from "../form.js"
import {request} from "../http.js"
import {go} from "../router.js"
import {begin, isLoggedIn} from "../session.js"
import {texts} from "../texts.js"
import {h, pageHead, quiet} from "../view.js"

const words = texts.door

export default ({parameters: {token}, query}) => {
	const enter = () => go(query.back || "/interviews")
	if (isLoggedIn() && !token) enter()
	const send = async values => {
		const response = await request("POST", token ? "/v1/auth/accept" : "/v1/auth/login", {}, {token, ...values})
		begin(await response.json())
		enter()
	}
	return h(
		"div.card.door",
		pageHead(token ? words.choose : words.logIn, !token && quiet(words.welcome)),
		form(fieldsOf(token ? "accept" : "login"), token ? words.chooseSubmit : words.logIn, send),
		!token && quiet(words.forgotten)
	)
}
