// Lists: filters that stand in the address, pages that grow with "Show more".
import { get, nextOf } from "./api.js";
import { keepInAddress } from "./router.js";
import { texts } from "./texts.js";
import { valuesOf } from "./form.js";
import { announce, button, fillWith, h } from "./view.js";

/**
 * Return a list and a button for its next page.
 *
 * @param path, options what to get
 * @param row makes an item's element
 * @param none makes what is shown instead of an empty list
 */
export async function listOf(path, { row, none, ...options }) {
  const first = await get(path, options);
  if (!first.items.length) return none();
  const list = h("ul", { class: "rows" }, first.items.map(row));
  return [list, moreButton(list, first, async (query) => get(path, { ...options, query }), row)];
}

function moreButton(list, page, load, row) {
  let next = nextOf(page);
  const more = next && h("div", { class: "more" }, button(texts.more, async () => {
    const following = await load(next);
    const rows = following.items.map(row);
    list.append(...rows);
    rows[0]?.querySelector("a, button")?.focus();
    next = nextOf(following);
    if (!next) more.remove();
  }));
  return more;
}

/** Return a form of filters: whatever changes goes into the address, and the results are loaded anew. */
export function filters(fields, { load, results, label, signal }) {
  let waiting;
  const node = h("form", { class: "filters", role: "search", "aria-label": label, onsubmit: (event) => (event.preventDefault(), apply()) }, fields);
  const apply = async () => {
    clearTimeout(waiting);
    const query = valuesOf(node);
    keepInAddress(query);
    await fillWith(results, load(query));
    const count = results.querySelectorAll(".rows > li").length;
    if (!signal.aborted) announce(texts.total(count));
  };
  node.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 300);
  });
  return node;
}
