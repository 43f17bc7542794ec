// When the server cannot be reached a call of the page is sent again until it is answered, so that Gradio, which would
// give up and throw away what was typed, never hears of it. Other changes wait meanwhile: only the newest is sent.
(() => {
  const { edition, lost, changed, reload } = JSON.parse(document.querySelector('meta[name="slipway-page"]').content);
  const FIRST = 1000, LONGEST = 30000;  // milliseconds from one try to the next
  const passed = window.fetch.bind(window);
  const waiting = new Set();
  let notice;
  let over = false;  // the server has another version: nothing but a reload mends that

  const wake = () => waiting.forEach((again) => again());
  const pause = (time) => new Promise((resolve) => {
    const again = () => { waiting.delete(again); resolve(); };
    waiting.add(again);
    setTimeout(again, time);
  });
  const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

  function say(text, button) {
    document.documentElement.classList.toggle("slip-lost", Boolean(text));
    if (!notice) {
      if (!text) return;
      notice = document.createElement("div");
      notice.className = "slip-notice";
      notice.setAttribute("role", "alert");
      document.body.append(notice);
    }
    if (notice.dataset.text === text) return;
    notice.dataset.text = text;
    notice.replaceChildren(...(text ? [text] : []), ...(button ? [button] : []));
  }

  function reloading() {
    const button = document.createElement("button");
    button.textContent = reload;
    button.addEventListener("click", () => location.reload());
    return button;
  }

  window.fetch = async (input, init) => {
    if (!/\/gradio_api\/run\/predict(\?|$)/.test(String(input?.url ?? input))) return passed(input, init);
    const headers = new Headers(init?.headers);
    headers.set("X-Page-Edition", edition);
    for (let time = FIRST; ; time = Math.min(2 * time, LONGEST)) {
      const answer = await passed(input, { ...init, headers }).catch(() => null);
      if (over || answer?.status === 409) {
        over = true;
        say(changed, reloading());
        return new Promise(() => {});
      }
      if (answer && ![502, 503, 504].includes(answer.status)) {
        say("");
        wake();
        return answer;
      }
      say(lost);
      await sleep(FIRST);  // what a person types asks at once, but not more often than this
      await pause(time - FIRST);
    }
  };
  for (const kind of ["input", "click", "online"]) window.addEventListener(kind, wake, true);
})();
