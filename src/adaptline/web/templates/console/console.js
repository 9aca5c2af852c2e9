// Live numbers: what /index.json says every two seconds goes into the page that the server made. Where anything but a
// number has changed, the page's own main part is asked for again. Only text is ever set.
"use strict";

const EVERY = 2000;
const NARROW = "\u202f";
const pulse = document.getElementById("pulse");
let silentSince = null;

function count(value) {
  return value === null ? "–" : Math.round(value).toLocaleString("en-US");
}

const UNITS = {
  milliseconds(value) {
    if (value === null) return "–";
    const digits = value < 100 ? 1 : 0;
    const written = value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return written + NARROW + "ms";
  },
  seconds(value) {
    if (value < 100) return value.toFixed(value < 10 ? 1 : 0) + NARROW + "s";
    const minutes = Math.floor(Math.round(value) / 60);
    const two = (number) => String(number).padStart(2, "0");
    if (minutes < 60) return `${minutes}${NARROW}min ${two(Math.round(value) % 60)}${NARROW}s`;
    return `${Math.floor(minutes / 60).toLocaleString("en-US")}${NARROW}h ${two(minutes % 60)}${NARROW}min`;
  },
};

function write(element, value) {
  const text = (UNITS[element.dataset.unit] || count)(value);
  if (element.textContent !== text) element.textContent = text;
}

function fill(main, data) {
  const rows = data.channels.flatMap((channel) => channel.numbers);
  main.querySelectorAll("tr[data-row]").forEach((row, number) => {
    for (const cell of row.querySelectorAll("[data-value]")) write(cell, rows[number][cell.dataset.value]);
  });
  write(main.querySelector("[data-value='uptime_seconds']"), data.uptime_seconds);
  for (const element of main.querySelectorAll("[data-load]")) write(element, data.load[element.dataset.load]);
  for (const element of main.querySelectorAll("[data-refused]")) write(element, data.refused[element.dataset.refused]);
}

async function replaced(main) {
  const answer = await fetch("/", { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  const made = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  const focused = main.contains(document.activeElement);
  main.replaceWith(made);
  if (focused) made.focus({ preventScroll: true });
}

async function look() {
  const main = document.getElementById("main");
  const answer = await fetch("/index.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  const data = await answer.json();
  if (data.shape === main.dataset.shape) fill(main, data);
  else await replaced(main);
}

async function go() {
  if (!document.hidden) {
    try {
      await look();
      silentSince = null;
      if (pulse.textContent !== "live") pulse.textContent = "live";
    } catch {
      silentSince ??= new Date();
      const since = `no answer since ${silentSince.toLocaleTimeString("en-GB")}`;
      if (pulse.textContent !== since) pulse.textContent = since;
    }
  }
  setTimeout(go, EVERY);
}

setTimeout(go, EVERY);
