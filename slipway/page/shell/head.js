for (const link of element.querySelectorAll("a")) {
  link.href = slipAddress(`ui/${link.dataset.language}/`);
  link.addEventListener("click", () => { link.hash = document.querySelector(".slip-answer")?.dataset.fragment ?? ""; });
}
