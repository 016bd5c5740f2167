// Links to pass on to whoever needs a password.
import {post} from "./api.js"
import {inform} from "./form.js"
import {texts} from "./texts.js"
import {moment} from "./time.js"
import {copyable, h, nameOf, quiet} from "./view.js"

const words = texts.links

export async function showLink(user) {
	const purpose = user.state === "invited" ? "invitation" : "reset"
	const {url_path, expires_at} = await post("/v1/users/{user_id}/link", {user_id: user.id}, {purpose})
	const url = new URL(url_path.slice(url_path.indexOf("#")), location.href).href
	await inform(
		words[purpose],
		h("p", words.text(nameOf(user))),
		copyable(url, words[purpose]),
		quiet(words.until, moment(expires_at))
	)
}
