// Brings the parts of a page that are marked with data-region up to date: the server draws the
// page again, and what differs is exchanged.

const BURST = 250; // milliseconds in which several reasons become one request

let waiting = false;

export function refreshSoon() {
  if (waiting || !document.querySelector("[data-region]")) return;
  waiting = true;
  setTimeout(refresh, BURST);
}

async function refresh() {
  waiting = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) exchange(await answer.text());
  } catch {
    // No connection. The socket shows that, and asks again once it is back.
  }
}

function exchange(html) {
  const drawn = new DOMParser().parseFromString(html, "text/html");
  for (const region of document.querySelectorAll("[data-region]")) {
    const newer = drawn.getElementById(region.id);
    if (!newer || newer.isEqualNode(region)) continue;
    const focused = region.contains(document.activeElement) ? document.activeElement : null;
    region.replaceChildren(...newer.childNodes);
    region.toggleAttribute("data-poll", newer.hasAttribute("data-poll"));
    const address = focused?.getAttribute("href");
    if (address) region.querySelector(`a[href="${CSS.escape(address)}"]`)?.focus();
  }
}
