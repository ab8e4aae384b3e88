import { render } from "preact";
import { ArchiveSource, firstHash, readArchive } from "./app/archive.ts";
import { App } from "./app/components/App.tsx";
import { StoreContext } from "./app/components/context.ts";
import { LiveSource } from "./app/live.ts";
import { Store } from "./app/store.ts";
import { applyTheme } from "./app/theme.ts";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/exporters.css";
import "./styles/rail.css";
import "./styles/resources.css";
import "./styles/pane.css";
import "./styles/diagram.css";
import "./styles/marks.css";

applyTheme();
const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app");
const archive = await readArchive(document.getElementById("archive"));
if (archive && !location.hash) location.hash = firstHash(archive);
const store = new Store((events) => (archive ? new ArchiveSource(archive, events) : new LiveSource(events)));
render(
  <StoreContext.Provider value={store}>
    <App />
  </StoreContext.Provider>,
  root,
);
store.start();
