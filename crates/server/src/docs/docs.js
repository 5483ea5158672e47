// Draws /openapi.json and lets one try its routes.
"use strict";

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function route(path, method, operation) {
  const details = element("details");
  const title = element("summary");
  const badge = element("span", method.toUpperCase());
  badge.className = "method";
  title.append(badge, element("code", path), " ", operation.summary || "");
  details.append(title);
  if (operation.description) details.append(element("p", operation.description));

  const form = element("form");
  const fields = [];
  for (const parameter of operation.parameters || []) {
    const input = element("input");
    input.name = parameter.name;
    input.placeholder = parameter.description || "";
    form.append(element("label", "", element("code", parameter.name), ` (${parameter.in}) `, input));
    fields.push([parameter, input]);
  }
  let body = null;
  if (operation.requestBody) {
    body = element("textarea");
    body.value = JSON.stringify({ query_id: "q-1", timestamp: new Date().toISOString(), query_text: "hello" }, null, 2);
    form.append(element("label", "body", body));
  }
  const answers = element("ul");
  for (const [status, answer] of Object.entries(operation.responses || {})) {
    answers.append(element("li", "", element("code", status), ` ${answer.description || ""} ${schemaName(answer)}`));
  }
  const shown = element("pre");
  shown.hidden = true;
  form.append(element("button", "Try it"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let address = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const [parameter, input] of fields) {
      if (!input.value) continue;
      if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      if (parameter.in === "query") query.append(parameter.name, input.value);
      if (parameter.in === "header") headers[parameter.name] = input.value;
    }
    if ([...query].length) address += `?${query}`;
    shown.hidden = false;
    try {
      const answer = await fetch(address, { method: method.toUpperCase(), headers, body: body && body.value });
      const text = await answer.text();
      let pretty = text;
      try { pretty = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
      shown.textContent = `${answer.status} ${answer.statusText}\n\n${pretty}`;
    } catch (error) {
      shown.textContent = String(error);
    }
  });
  details.append(answers, form, shown);
  return details;
}

function schemaName(answer) {
  const [media] = Object.values(answer.content || {});
  const reference = media && media.schema && media.schema.$ref;
  return reference ? `(${reference.split("/").pop()})` : "";
}

async function draw() {
  const description = await (await fetch("/openapi.json")).json();
  const routes = document.getElementById("routes");
  routes.replaceChildren();
  for (const tag of description.tags || []) {
    routes.append(element("h2", tag.description || tag.name));
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if ((operation.tags || []).includes(tag.name)) routes.append(route(path, method, operation));
      }
    }
  }
  const schemas = document.getElementById("schemas");
  for (const [name, schema] of Object.entries(description.components.schemas)) {
    schemas.append(
      element("details", "", element("summary", name), element("pre", JSON.stringify(schema, null, 2))));
  }
}

draw().catch((error) => { document.getElementById("routes").textContent = String(error); });
