"use strict";
(() => {
  const STEP = 100;
  const root = document.documentElement;
  root.classList.add("js");
  const byId = (id) => document.getElementById(id);
  // What the reader has chosen: it outlives a live refresh, and the words a reload.
  const chosen = { words: "", state: "", all: false, column: -1, down: false };

  const data = () => JSON.parse(byId("data").textContent);

  // --- How old the page is.
  const freshness = () => {
    const age = (Date.now() - Date.parse(byId("generated").dateTime)) / 60000;
    const fresh = byId("fresh");
    const round = (value, unit) => `${Math.floor(value)} ${unit}${Math.floor(value) === 1 ? "" : "s"} ago`;
    if (age < 1) fresh.textContent = "(just now)";
    else if (age < 60) fresh.textContent = `(${round(age, "minute")})`;
    else if (age < 2880) fresh.textContent = `(${round(age / 60, "hour")})`;
    else fresh.textContent = `(${round(age / 1440, "day")})`;
    fresh.className = age < 5 ? "fresh" : age < 60 ? "aging" : "old";
  };

  // --- The table of findings.
  const rows = () => Array.from(document.querySelectorAll("#findings-table tbody tr"));

  const show = () => {
    const shown = byId("shown");
    if (!shown) return;
    const words = chosen.words.toLowerCase().split(/\s+/).filter(Boolean);
    const list = rows();
    let fits = 0;
    for (const row of list) {
      const text = row.textContent.toLowerCase();
      const fit = (!chosen.state || row.dataset.state === chosen.state) && words.every((word) => text.includes(word));
      if (fit) fits += 1;
      row.hidden = !fit || (!chosen.all && fits > STEP);
    }
    const seen = chosen.all ? fits : Math.min(fits, STEP);
    const number = (value) => value.toLocaleString("en-US");
    shown.textContent = `${number(seen)} of ${number(fits)} shown`
      + (fits === list.length ? "" : `, ${number(list.length - fits)} filtered out`);
    const more = byId("more");
    more.hidden = seen === fits;
    more.textContent = `Show all ${number(fits)}`;
  };

  const key = (row, column) => {
    const text = row.cells[column].textContent;
    const place = column === 1 ? /^(.*):(\d+)$/.exec(text) : null;
    return place ? [place[1], Number(place[2])] : [text, 0];
  };

  const sort = () => {
    const heads = document.querySelectorAll("#findings-table thead th");
    if (chosen.column < 0 || !heads.length) return;
    heads.forEach((head, column) => {
      if (column === chosen.column) head.setAttribute("aria-sort", chosen.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const sign = chosen.down ? -1 : 1;
    const words = new Intl.Collator("en");
    const keyed = rows().map((row) => [key(row, chosen.column), row]);
    keyed.sort(([a], [b]) => sign * (words.compare(a[0], b[0]) || a[1] - b[1]));
    document.querySelector("#findings-table tbody").append(...keyed.map(([, row]) => row));
    show();
  };

  const filter = (words) => {
    chosen.words = words;
    chosen.all = false;
    const box = byId("filter");
    if (box && box.value !== words) box.value = words;
    try {
      history.replaceState(null, "", words ? `#filter=${encodeURIComponent(words)}` : location.pathname + location.search);
    } catch {
      // A sandbox may forbid it: the filter works all the same.
    }
    show();
  };

  // --- Downloads.
  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // A cell that a spreadsheet would take for a formula begins with an apostrophe.
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  const csv = (report) => {
    const lines = [["state", "file", "row", "code", "message", "status", "owner", "ticket", "reason", "id", "first_seen", "fingerprint"]];
    for (const finding of report.findings) {
      const by = finding.by || {};
      lines.push([finding.state, finding.file, finding.start.row, finding.code, finding.message, by.status, by.owner,
        by.ticket, by.reason, by.id, finding.first_seen, finding.fingerprint]);
    }
    return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  };

  const download = (kind) => {
    const all = data();
    const day = all.generated_at.slice(0, 10);
    if (kind === "csv") save(`t4-findings-${day}.csv`, "text/csv;charset=utf-8", csv(all.report));
    else save(`t4-dashboard-${day}.json`, "application/json", JSON.stringify(all, null, 2) + "\n");
  };

  // --- Everything that belongs to the numbers: once at the start, and after each live refresh.
  const begin = () => {
    freshness();
    const box = byId("filter");
    if (!box) return;
    box.value = chosen.words;
    byId("state").value = chosen.state;
    document.querySelectorAll("#findings-table thead th").forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => {
        chosen.down = chosen.column === column && !chosen.down;
        chosen.column = column;
        sort();
      });
      head.replaceChildren(button);
    });
    box.addEventListener("input", () => filter(box.value));
    byId("state").addEventListener("change", (event) => {
      chosen.state = event.target.value;
      chosen.all = false;
      show();
    });
    byId("more").addEventListener("click", () => {
      chosen.all = true;
      show();
    });
    show();
    sort();
  };

  document.addEventListener("click", (event) => {
    const from = event.target.closest("[data-download], [data-filter]");
    if (!from) return;
    if (from.dataset.download) {
      download(from.dataset.download);
      return;
    }
    event.preventDefault();
    filter(from.dataset.filter);
    byId("findings").scrollIntoView();
    byId("filter").focus({ preventScroll: true });
  });

  const given = /^#filter=(.*)$/.exec(location.hash);
  if (given) {
    try {
      chosen.words = decodeURIComponent(given[1]);
    } catch {
      // A broken escape in an address is no filter.
    }
  }
  begin();
  setInterval(freshness, 15000);

  // --- Served: the server says when there is something new.
  if (!("live" in root.dataset)) return;
  const trouble = (text) => {
    const banner = byId("banner");
    banner.textContent = text;
    banner.hidden = !text;
  };
  const refresh = async () => {
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("page");
    const open = Array.from(document.querySelectorAll("details"), (details) => details.open);
    const scroll = Array.from(document.querySelectorAll(".box"), (box) => [box.scrollLeft, box.scrollTop]);
    const focused = document.activeElement && document.activeElement.id;
    byId("page").replaceWith(document.adoptNode(next));
    document.querySelectorAll("details").forEach((details, place) => { details.open = Boolean(open[place]); });
    begin();
    document.querySelectorAll(".box").forEach((box, place) => {
      if (scroll[place]) [box.scrollLeft, box.scrollTop] = scroll[place];
    });
    if (focused && byId(focused)) byId(focused).focus({ preventScroll: true });
  };
  let version = null;
  const events = new EventSource("/events");
  events.addEventListener("page", (event) => {
    const first = version === null;
    if (event.data === version) return;
    version = event.data;
    if (first && version === root.dataset.live) return;
    refresh().catch((error) => trouble(`The page can't be refreshed: ${error.message}`));
  });
  events.addEventListener("error", () => trouble("The server is gone: these are its last numbers."));
  events.addEventListener("open", () => { if (version !== null) version = ""; });
})();
