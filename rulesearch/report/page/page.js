"use strict";
(() => {
  const tip = document.getElementById("tip");
  const rankOf = (link) => (link.getAttribute("href") || "").replace("#rule-", "");
  const show = (link, x, y) => {
    const card = document.getElementById("rule-" + rankOf(link));
    if (!card || !tip) return;
    const title = document.createElement("div");
    title.textContent = card.querySelector("h3").textContent;
    tip.replaceChildren(title, card.querySelector(".equations").cloneNode(true));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 4)) + "px";
    tip.style.top = Math.max(4, Math.min(y + 14, innerHeight - box.height - 4)) + "px";
  };
  const hide = () => { if (tip) tip.hidden = true; };
  for (const link of document.querySelectorAll("#front svg a")) {
    link.addEventListener("mousemove", (event) => show(link, event.clientX, event.clientY));
    link.addEventListener("mouseleave", hide);
    link.addEventListener("focus", () => { const b = link.getBoundingClientRect(); show(link, b.right, b.bottom); });
    link.addEventListener("blur", hide);
    link.addEventListener("click", hide);
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  const copied = (button) => {
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  };
  const copyOld = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.from).textContent;
      try { await navigator.clipboard.writeText(text); } catch { copyOld(text); }
      copied(button);
    });
  }

  const wide = document.querySelectorAll(".wide");
  const mark = () => {
    for (const each of wide) each.classList.toggle("goes-on", each.scrollWidth > each.clientWidth + 1);
  };
  addEventListener("resize", mark);
  addEventListener("load", mark);

  const value = (row, column) => row.cells[column].textContent.trim();
  const order = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    const numbers = [a, b].map((text) => text !== "" && !Number.isNaN(Number(text)));
    if (numbers[0] && numbers[1]) return x - y;
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
    return a.localeCompare(b);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => (down ? -1 : 1) * order(value(a, column), value(b, column)));
        table.tBodies[0].append(...rows);
      });
    });
  }
})();
