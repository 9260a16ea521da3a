// Listens to the socket of the signed-in person, and keeps the page as current as it is.

import { refreshSoon } from "./regions.js";

const FIRST_DELAY = 1000; // milliseconds, doubled with every attempt that fails
const LONGEST_DELAY = 30000;
const STAYS_UP = 10000; // a connection that lasted this long was a good one
const POLL_EVERY = 5000;
const TOAST_LASTS = 8000;
const SESSION_OVER = 4401;
const CREDIT = "CREDIT";

const state = document.getElementById("live");
const credits = new Intl.NumberFormat("en-US");
const toasted = new Set(); // a payment may be told twice
let delay = FIRST_DELAY;

const HEARD = {
  "wallet.balance_changed": (data) => {
    if (data.asset !== CREDIT) return;
    for (const figure of document.querySelectorAll("[data-figure]")) {
      figure.textContent = credits.format(data[figure.dataset.figure]);
    }
  },
  "payment.succeeded": (data) => {
    if (toasted.has(data.payment_id)) return;
    toasted.add(data.payment_id);
    toast(`We have received your payment of ${amount(data)}.`);
  },
};

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws/`);
  let openedAt = Infinity;
  socket.onopen = () => {
    openedAt = Date.now();
    show("live");
    refreshSoon(); // what happened before the socket was there
  };
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = (event) => {
    show("offline");
    if (event.code === SESSION_OVER) return;
    if (Date.now() - openedAt > STAYS_UP) delay = FIRST_DELAY;
    setTimeout(connect, delay * (0.5 + Math.random() / 2)); // not everybody at once
    delay = Math.min(delay * 2, LONGEST_DELAY);
  };
}

function hear(message) {
  HEARD[message.type]?.(message.data);
  refreshSoon();
}

function show(word) {
  state.hidden = false;
  state.dataset.state = word;
  state.textContent = word;
}

function amount({ amount_minor: minor, currency }) {
  const format = new Intl.NumberFormat("en-US", {
    style: "currency",
    currency,
    currencyDisplay: "code",
  });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function toast(text) {
  const note = document.createElement("p");
  note.className = "toast";
  note.textContent = text;
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), TOAST_LASTS);
}

show("offline");
connect();
setInterval(() => {
  if (!document.hidden && document.querySelector("[data-poll]")) refreshSoon();
}, POLL_EVERY);
