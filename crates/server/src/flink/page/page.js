"use strict";
const INTERVAL_MS = 3000;
const OVER = ["FINISHED", "CANCELED", "FAILED"];
const rows = document.getElementById("jobs");
const message = document.getElementById("message");

// The first cell names its row; of the others a narrow screen shows the names beside the figures.
function cell(row, text, { className, name } = {}) {
  const td = row.insertCell();
  td.textContent = text;
  if (className) td.className = className;
  if (name) td.dataset.name = name;
  return td;
}

function duration(ms) {
  const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
  if (d) return `${d} d ${h % 24} h`;
  if (h) return `${h} h ${m % 60} min`;
  if (m) return `${m} min ${s % 60} s`;
  return `${s} s`;
}

async function cancel(job) {
  if (!confirm(`Cancel ${job.name}?`)) return;
  const answer = await fetch(`/jobs/${job.jid}?mode=cancel`, { method: "PATCH" });
  message.textContent = answer.ok ? "" : (await answer.json()).errors[0];
  await show();
}

function line(job) {
  const row = document.createElement("tr");
  const name = cell(row, job.name);
  const id = document.createElement("code");
  id.textContent = job.jid;
  name.append(document.createElement("br"), id);
  for (const text of job.notes) {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = text;
    name.append(note);
  }
  cell(row, job.state, { className: job.state });
  cell(row, new Date(job["start-time"]).toLocaleString(undefined, { timeZoneName: "short" }), { name: "Started" });
  cell(row, duration(job.duration), { className: "number", name: "Duration" });
  cell(row, `${job.tasks.running} of ${job.tasks.total}`, { className: "number", name: "Subtasks running" });
  const action = row.insertCell();
  if (!OVER.includes(job.state) || job.not_started) {
    const button = document.createElement("button");
    button.textContent = "Cancel";
    button.setAttribute("aria-label", `Cancel ${job.name}`);
    button.addEventListener("click", () => cancel(job).catch(failed));
    action.append(button);
  }
  return row;
}

// What is wrong with a job: it waits, has failed, cannot write its checkpoints or cannot count what it reads. A job that Weir could
// not start again can still be cancelled.
async function look(job) {
  const nothing = { notes: [], not_started: false };
  if (job.state !== "FAILED" && OVER.includes(job.state)) return nothing;
  const answer = await fetch(`/weir/jobs/${job.jid}`);
  if (!answer.ok) return nothing;
  const { problem, mostly_dead, mostly_late, not_started } = await answer.json();
  return { notes: [problem, mostly_dead, mostly_late].filter(Boolean), not_started };
}

let shown = "";

async function show() {
  const answer = await fetch("/jobs/overview");
  // The session is over: the login page leads back here.
  if (answer.status === 401) return location.assign("/login?to=/");
  if (!answer.ok) throw new Error((await answer.json()).errors[0]);
  const { jobs } = await answer.json();
  jobs.sort((a, b) => b["start-time"] - a["start-time"]);
  await Promise.all(jobs.map(async (job) => Object.assign(job, await look(job))));
  // A button that is being pressed should not be replaced: only changes are drawn.
  const now = JSON.stringify(jobs.map((job) => ({ ...job, duration: duration(job.duration) })));
  if (now === shown) return;
  shown = now;
  const focused = document.activeElement?.getAttribute("aria-label");
  rows.replaceChildren(...jobs.map(line));
  if (focused) rows.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  if (!jobs.length) {
    const none = cell(rows.insertRow(), "No jobs yet.", { className: "quiet" });
    none.colSpan = 6;
  }
}

function failed(error) {
  message.textContent = `The job manager does not answer: ${error.message}`;
}

async function follow() {
  try {
    await show();
    if (message.textContent.startsWith("The job manager")) message.textContent = "";
  } catch (error) {
    failed(error);
  }
  setTimeout(follow, INTERVAL_MS);
}

async function greet() {
  const { name } = await (await fetch("/session")).json();
  if (!name) return;
  document.getElementById("name").textContent = name;
  document.getElementById("session").hidden = false;
}

greet().catch(failed);
follow();
