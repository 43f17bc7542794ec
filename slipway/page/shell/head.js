for (const link of element.querySelectorAll("a")) {
  link.href = slipAddress(`ui/${link.dataset.language}/`);
  link.addEventListener("click", () => {
    link.search = location.search;
    link.hash = document.querySelector(".slip-answer")?.dataset.fragment ?? "";
  });
}

// Who has logged in: the document is the same for everybody, and may be kept.
const who = element.querySelector(".slip-user");
if (who) {
  fetch(slipAddress("login/user"))
    .then((answer) => (answer.ok ? answer.json() : {}))
    .then(({ name, logout }) => {
      if (!name) return;
      who.querySelector("span").textContent = who.dataset.text.replace("{name}", () => name);
      who.querySelector("button").hidden = !logout;
      who.action = slipAddress("logout");
      who.hidden = false;
    })
    .catch(() => {});
}
