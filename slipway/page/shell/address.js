// Where the server's other calls are, seen from this page, which stands at "ui/", "ui/en/", "ui/zh/" or so below them: what a
// proxy adds in front of that is known to nobody but the browser.
window.slipAddress = (path) => new URL(path, location.origin + location.pathname.replace(/\/ui\/(\w+\/)?$/, "/")).href;
// In the page of somebody else: without head and foot.
if (new URLSearchParams(location.search).get("embed") === "1") document.documentElement.dataset.embed = "";
