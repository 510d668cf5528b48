// While the server cannot be reached, and after that until the page was drawn anew, what is on screen may
// be of a session that is gone. Streamlit leaves it there, and asks the server for nothing when it is
// found again; so this does, and style.css hides the page by a mark on the document meanwhile.

const LOST = "connectionLost"; // data-connection-lost
const AWAY = ["PINGING_SERVER", "DISCONNECTED_FOREVER"];
const askers = new Map(); // mounted element -> what has the server draw the whole page
let watched = null;

// A mount outside of any fragment, by which the whole page can be drawn.
function asker(parent, setTriggerValue) {
  askers.set(parent, () => setTriggerValue("reconnected", true));
  return () => askers.delete(parent);
}

function drawAgain() {
  const [ask] = askers.values();
  ask?.();
  return Boolean(ask);
}

function watchConnection() {
  const app = document.querySelector("[data-test-connection-state]");
  if (!app || app === watched) return;
  watched = app;
  const { dataset } = document.documentElement;
  let asked = false;
  const look = () => {
    const { testConnectionState: connection, testScriptState: script } = app.dataset;
    if (AWAY.includes(connection)) {
      dataset[LOST] = "";
      asked = false;
    }
    if (connection !== "CONNECTED" || !(LOST in dataset)) return;
    if (script !== "notRunning") asked = true; // by Streamlit, or just now
    else if (asked || !drawAgain()) delete dataset[LOST];
  };
  new MutationObserver(look).observe(app, { attributes: true });
  look();
}
