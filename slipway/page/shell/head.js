const link = element.querySelector("a");
link.href = slipAddress(`ui/${link.lang}/`);
link.addEventListener("click", () => { link.hash = document.querySelector(".slip-answer")?.dataset.fragment ?? ""; });
