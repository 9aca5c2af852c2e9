// The chat: asks the gateway as any client does, and says which release answered. What a model says is only ever set as
// text. The conversation is in this page's memory alone.
"use strict";

const form = document.getElementById("ask");
const [model, user, text, turns, send, stop, again] = ["model", "user", "text", "turns", "send", "stop", "again"].map(
  (id) => document.getElementById(id),
);
let said = []; // the messages that the next request begins with
let asking = null; // what ends the request that is under way

function element(name, className, content = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = content;
  return made;
}

function turn(kind, speaker, content) {
  const made = element("li", `turn ${kind}`);
  const body = element("p", "text", content);
  made.append(element("p", "speaker", speaker), body);
  turns.append(made);
  made.scrollIntoView({ block: "nearest" });
  return { made, body };
}

function facts(made, entries) {
  const line = element("p", "facts");
  for (const [name, value] of entries) {
    if (!value) continue;
    const fact = element("span", "fact");
    fact.append(element("span", "fact-name", name), " ", value);
    line.append(fact);
  }
  made.append(line);
}

function answeredBy(made, answer, began) {
  const header = (name) => answer.headers.get(name);
  const channel = header("x-adaptline-channel");
  const arm = header("x-adaptline-arm");
  facts(made, [
    ["release", header("x-adaptline-release")],
    ["arm", arm && channel && arm !== "direct" ? `${arm} of ${channel}` : arm],
    ["request", header("x-request-id")],
    ["first bytes after", `${Math.round(performance.now() - began)} ms`],
  ]);
}

async function refusal(answer) {
  let why = "";
  try {
    why = (await answer.json()).error.message;
  } catch {
    why = answer.statusText;
  }
  return new Error(`${answer.status}: ${why || "no reason was given"}`);
}

// The data of each server-sent event, as it arrives: https://html.spec.whatwg.org/multipage/server-sent-events.html
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += value ?? "";
    const whole = rest.split(/\r\n\r\n|\n\n|\r\r/);
    rest = whole.pop();
    for (const event of whole) {
      const lines = event.split(/\r\n|\n|\r/).filter((line) => line.startsWith("data:"));
      if (lines.length) yield lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
    }
    if (done) return;
  }
}

async function written(answer, body) {
  if (!(answer.headers.get("content-type") || "").startsWith("text/event-stream")) {
    body.textContent = (await answer.json()).choices[0].message.content;
    return;
  }
  for await (const data of events(answer)) {
    if (data === "[DONE]") return;
    const event = JSON.parse(data);
    if (event.error) throw new Error(event.error.message || "the answer broke off");
    const piece = event.choices?.[0]?.delta?.content;
    if (!piece) continue;
    const below = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 80;
    body.append(piece); // a string: a text node
    if (below) window.scrollTo(0, document.documentElement.scrollHeight);
  }
  throw new Error("the answer broke off");
}

async function labelled(answer, body) {
  for (const entry of (await answer.json()).data) {
    body.textContent = String(entry.label);
    const likely = Object.entries(entry.probabilities ?? {}).slice(0, 5);
    facts(body.parentElement, likely.map(([name, share]) => [name, `${(100 * share).toFixed(1)} %`]));
  }
}

function request(content) {
  const sorts = model.selectedOptions[0].dataset.kind === "classifier";
  const body = sorts
    ? { model: model.value, input: content }
    : { model: model.value, messages: [...said, { role: "user", content }], stream: true };
  if (user.value.trim()) body.user = user.value.trim();
  return { path: sorts ? "/v1/classify" : "/v1/chat/completions", body, read: sorts ? labelled : written };
}

async function ask(content) {
  const you = turn("you", user.value.trim() ? `you, as ${user.value.trim()}` : "you", content);
  const { made, body } = turn("model", model.value, "");
  made.setAttribute("aria-busy", "true");
  asking = new AbortController();
  send.disabled = true;
  stop.disabled = false;
  try {
    const { path, body: asked, read } = request(content);
    const began = performance.now();
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(asked),
      signal: asking.signal,
    });
    answeredBy(made, answer, began);
    if (!answer.ok) throw await refusal(answer);
    await read(answer, body);
    if (read === written) said.push({ role: "user", content }, { role: "assistant", content: body.textContent });
  } catch (error) {
    failed(made, you.made, content, error);
  } finally {
    made.removeAttribute("aria-busy");
    asking = null;
    send.disabled = false;
    stop.disabled = true;
    text.focus({ preventScroll: true });
  }
}

function failed(made, you, content, error) {
  if (!made.isConnected) return; // a new conversation has begun
  const stopped = error.name === "AbortError";
  const lost = error instanceof TypeError ? "no answer: the connection failed" : error.message;
  const told = element("p", "problem", stopped ? "You stopped it." : lost);
  told.setAttribute("role", "alert");
  made.append(told);
  you.append(element("p", "forgotten", "Not part of the conversation that is sent on."));
  if (!text.value) text.value = content;
  made.scrollIntoView({ block: "nearest" });
}

function submit() {
  const content = text.value.trim();
  if (!content || asking) return;
  text.value = "";
  ask(content);
}

if (form) {
  document.getElementById("scriptless").remove();
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
  stop.addEventListener("click", () => asking?.abort());
  again.addEventListener("click", () => {
    asking?.abort();
    said = [];
    turns.replaceChildren();
    text.focus();
  });
  const wanted = location.hash.slice(1); // a channel's name needs no decoding
  if ([...model.options].some((option) => option.value === wanted)) model.value = wanted;
  text.focus();
}
