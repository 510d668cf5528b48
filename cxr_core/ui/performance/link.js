// The page's address says what is on screen, so that it can be sent on as a link. Only the browser knows
// which tab is open, so it is written here, in place: no run of the page, and no entry in the history.

const mounts = new Map(); // mounted element -> what the server said of the page
let watcher = null;

function address({ params, tabs }) {
  const query = new URLSearchParams(params);
  const open = document.querySelector('[role="tab"][aria-selected="true"]')?.textContent.trim();
  const tab = tabs[open];
  if (tab) {
    query.set("tab", tab.slug);
    if (tab.finding) query.set("finding", tab.finding);
  }
  return "?" + query.toString();
}

function write() {
  for (const data of mounts.values()) {
    const search = address(data);
    if (search === location.search) continue;
    history.replaceState(history.state, "", location.pathname + search);
  }
}

export default function ({ data, parentElement }) {
  mounts.set(parentElement, data);
  if (!watcher) {
    watcher = new MutationObserver(write);
    watcher.observe(document.body, { attributeFilter: ["aria-selected"], subtree: true, childList: true });
  }
  write();
  return () => {
    mounts.delete(parentElement);
    if (mounts.size) return;
    watcher?.disconnect();
    watcher = null;
  };
}
