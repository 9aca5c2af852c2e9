"use strict";
/* One row at a time, judged by keys. Everything shown is set as text, never as HTML. */
(() => {
  const at = name => document.getElementById(name);
  let row = Infinity, of = 0, asked = 0, busy = true; /* nothing is shown until the first row is, and nothing judged */
  let fields = null; /* of the editor: an input per message, null for one without words, and the label's; null while it is closed */

  async function ask(path, body) {
    const given = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let answer;
    try { answer = await fetch(path, given) } catch { throw new Error("The review has ended. Start it again: it goes on where you were.") }
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    return found;
  }

  function add(parent, tag, text, kind) {
    const element = document.createElement(tag);
    element.textContent = text;
    if (kind) element.className = kind;
    parent.append(element);
    return element;
  }

  function progress(found) {
    of = found.of;
    at("progress").textContent = `${found.judged} of ${of} judged`;
    at("bar").max = Math.max(of, 1);
    at("bar").value = found.judged;
  }

  const written = score => score === null ? "–" : typeof score === "number" ? Number(score.toPrecision(4)).toString() : score;

  function tell(why, title) {
    at("why").hidden = false;
    at("why-title").textContent = `${title}${why.place} is ${why.fate}`;
    const rows = at("why").querySelector("tbody");
    rows.replaceChildren();
    for (const rule of why.rules) {
      const line = add(rows, "tr", "", rule.drops ? "drops" : "");
      add(line, "th", rule.name).scope = "row";
      add(line, "td", written(rule.score), "n");
      add(line, "td", rule.because ? `${rule.bound} ${rule.because}` : rule.bound);
    }
  }

  async function show(number) {
    const mine = ++asked;
    if (number >= of) return finish();
    const found = await ask(`row/${number}`);
    if (mine !== asked) return;
    row = number;
    progress(found);
    at("done").hidden = true;
    at("asked").hidden = false;
    at("which").textContent = `Row ${number + 1} of ${of}`;
    at("said").hidden = !found.said && !found.outdated;
    at("said").textContent = found.said ? `You said: ${found.said}.` : found.outdated ? "You mended it, but it has changed since: look again." : "";
    const box = at("messages");
    write(found, at("label"), box);
    at("was").hidden = !found.was;
    if (found.was) write(found.was, at("was").querySelector(".label"), at("was").querySelector(".messages"));
    box.focus({ preventScroll: true });
  }

  function write(found, label, box) {
    label.hidden = found.label === null;
    label.querySelector("bdi").textContent = found.label ?? "";
    box.replaceChildren();
    for (const message of found.messages) {
      if (found.messages.length > 1 || found.left_out || message.role !== "text") add(box, "p", message.role, "role");
      const text = add(box, "p", message.content, "text");
      text.dir = "auto";
      text.lang = "";
    }
    if (!found.messages.length) add(box, "p", "no text", "quiet");
    if (found.left_out) add(box, "p", `… and ${found.left_out} more messages`, "quiet");
    box.scrollTop = 0;
  }

  function field(kind, name, value) {
    const label = add(at("fields"), "label", name);
    const input = add(label, kind, "");
    input.value = value;
    input.dir = "auto";
    input.dataset.was = input.value; /* a textarea has line ends of its own: only what a person changed is a change */
    return input;
  }

  async function mend() {
    if (row >= of) return;
    const found = await ask(`words/${row}`);
    hide();
    at("labels").replaceChildren();
    for (const label of found.labels) add(at("labels"), "option", "").value = label;
    at("fields").replaceChildren();
    fields = { messages: found.messages.map(one => one.content === null ? null : field("textarea", one.role, one.content)) };
    fields.label = field("input", "label", found.label);
    fields.label.setAttribute("list", "labels");
    at("editor").hidden = false;
    (fields.messages.find(one => one) ?? fields.label).focus();
  }

  function leave() {
    fields = null;
    at("editor").hidden = true;
    at("messages").focus({ preventScroll: true });
  }

  async function save() {
    const changed = input => input && input.value !== input.dataset.was ? input.value : null;
    const found = await ask("mend", { row, contents: fields.messages.map(changed), label: changed(fields.label) });
    leave();
    await show(found.next);
    tell(found.why, "The row before, which you mended: ");
  }

  async function finish() {
    const found = await ask("summary");
    row = of;
    progress(found);
    at("asked").hidden = true;
    at("done").hidden = false;
    const all = found.judged === of;
    at("done-title").textContent = !of ? "There is no row to judge" : all ? "Every row has a verdict" : "That was the last row";
    at("done-told").textContent = `${found.counts.keep} to keep, ${found.counts.drop} to drop, ${found.counts.mend} mended; they are in ${found.file}. ` +
      (all ? "The page can be closed." : `${of - found.judged} without a verdict: → starts again with them.`);
    const rows = at("agreements").querySelector("tbody");
    rows.replaceChildren();
    for (const entry of found.agreements) {
      const line = add(rows, "tr", "");
      add(line, "th", entry.name).scope = "row";
      add(line, "td", entry.rows, "n");
      add(line, "td", entry.share === null ? "–" : `${(100 * entry.share).toFixed(0)} %`, "n");
      add(line, "td", entry.kappa === null ? "–" : entry.kappa.toFixed(2), "n");
      add(line, "td", entry.kappa === null ? "–" : `${entry.low.toFixed(2)} to ${entry.high.toFixed(2)}`, "n");
    }
    at("agreements").hidden = !found.agreements.length || !found.judged;
  }

  const unjudged = async () => (await ask("start")).next;
  const hide = () => { at("why").hidden = true };
  const say = verdict => async () => {
    if (row >= of) return;
    const found = await ask("verdict", { row, verdict });
    await show(found.next);
    tell(found.why, `The row before, on which you said ${verdict}: `);
  };
  const undo = async () => {
    const found = await ask("undo", {});
    hide();
    if (found.row !== null) await show(found.row);
  };
  const skip = async () => { hide(); await show(row >= of ? await unjudged() : row + 1) };
  const back = async () => { hide(); if (row > 0) await show(row - 1) };
  const why = async () => { if (row < of) tell(await ask(`why/${row}`), "") };
  const keys = { k: say("keep"), d: say("drop"), m: mend, u: undo, w: why, " ": skip, ArrowRight: skip, ArrowLeft: back };

  async function perform(act) {
    busy = true;
    at("problem").hidden = true;
    try { await act() } catch (error) { at("problem").textContent = error.message; at("problem").hidden = false }
    busy = false;
    document.body.dataset.ready = String(row);
  }

  function press(key) {
    const act = keys[key.length === 1 ? key.toLowerCase() : key];
    if (act && !busy && !fields) perform(act);
  }

  function edit(event) { /* all other keys write */
    if (event.isComposing || event.repeat || busy) return;
    if (event.key === "Escape") perform(leave);
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); perform(save) }
  }

  at("save").addEventListener("click", () => { if (fields && !busy) perform(save) });
  at("leave").addEventListener("click", () => { if (fields && !busy) perform(leave) });
  addEventListener("keydown", event => {
    if (fields) return edit(event);
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const onButton = event.target instanceof HTMLButtonElement && event.key === " ";
    if (event.key in keys || event.key.toLowerCase() in keys) { if (!onButton) { event.preventDefault(); press(event.key) } }
  });
  document.querySelectorAll("[data-key]").forEach(button => button.addEventListener("click", () => press(button.dataset.key)));
  perform(async () => { const found = await ask("start"); progress(found); await show(found.next) });
})();
