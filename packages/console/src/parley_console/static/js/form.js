// Forms and dialogs.
import {say, texts} from "./texts.js"
import {actions, alarm, button, h} from "./view.js"

let count = 0

export const speak = root => root.querySelectorAll("[data-text]").forEach(node => node.append(texts[node.dataset.text]))

// Return the fields of a template in index.html, with labels and values.
export function fieldsOf(template, values = {}) {
	const fields = document.getElementById(template).content.cloneNode(true)
	speak(fields)
	for (const control of fields.querySelectorAll("[name]")) dress(control, values[control.name])
	return fields
}

function dress(control, value) {
	const {
		name,
		dataset: {label = name, hint = name, optional}
	} = control
	const id = `field-${count++}`
	control.id = id
	control.setAttribute("aria-describedby", `${id}-hint ${id}-error`)
	for (const option of control.options ?? []) option.text ||= say(option.value)
	if (value) control.value = value
	if (control.type === "hidden") return
	const field = h("div.field", {class: control.type})
	control.replaceWith(field)
	field.append(
		h("label", {for: id}, say(label), optional === "" && h("span.optional", ` ${texts.optional}`)),
		control,
		h("p.hint", {id: `${id}-hint`}, texts.hints[hint]),
		h("p.field-error", {id: `${id}-error`})
	)
}

// Return a form that gives `onSubmit` its values, and shows the Problem that this raises.
export function form(fields, submit, onSubmit, {kind = "primary", onCancel} = {}) {
	const general = h("div")
	const run = async event => {
		event.preventDefault()
		if (node.ariaBusy) return
		general.replaceChildren()
		node.querySelectorAll("[aria-invalid]").forEach(control => showAt(control))
		node.ariaBusy = "true"
		await onSubmit(valuesOf(node)).catch(problem => showProblem(node, general, problem))
		node.ariaBusy = null
	}
	const node = h(
		"form",
		{novalidate: true, onsubmit: run},
		fields,
		general,
		actions(h("button", {class: kind}, submit), onCancel && button(texts.back, onCancel))
	)
	return node
}

const controlsOf = node => [...node.elements].filter(({name}) => name)

export const valuesOf = node => Object.fromEntries(controlsOf(node).map(control => [control.name, valueOf(control)]))

function valueOf({type, value, checked}) {
	if (type === "checkbox") return checked
	const text = type === "password" ? value : value.trim()
	return text === "" ? undefined : type === "number" ? Number(text) : text
}

function showAt(control, message = "") {
	control.ariaInvalid = message ? "true" : null
	document.getElementById(`${control.id}-error`).replaceChildren(message)
}

// Show each error at the field that its pointer names, the rest above the buttons.
function showProblem(node, general, problem) {
	if (!problem.errors) throw problem
	const rest = problem.errors.filter(({pointer, message}) => {
		const control = controlsOf(node).find(({name}) => pointer === `#/${name}`)
		if (control) showAt(control, message)
		return !control
	})
	const first = node.querySelector("[aria-invalid]")
	if (!first || rest[0]) general.append(alarm(rest.map(({message}) => message).join(" ") || problem.message))
	first?.focus()
}

// Show a dialog, and return what it ended with. `build` is given the function that ends it.
const ask = (title, build) =>
	new Promise(resolve => {
		let result
		const close = () => {
			dialog.remove()
			// What opened the dialog may have been drawn anew.
			if (document.activeElement === document.body) document.querySelector("h1").focus()
			resolve(result)
		}
		const dialog = h(
			"dialog",
			{"aria-label": title, onclose: close},
			h("h2", title),
			build(value => ((result = value), dialog.close()))
		)
		document.body.append(dialog)
		dialog.showModal()
	})

export const inform = (title, ...nodes) =>
	ask(title, end => [nodes, actions(button(texts.done, () => end(), {class: "primary"}))])

export const askForm = (title, fields, onSubmit, {text, submit = title, kind} = {}) =>
	ask(title, end => [
		text && h("p", text),
		form(fields, submit, async values => (await onSubmit(values), end(true)), {kind, onCancel: () => end()})
	])
