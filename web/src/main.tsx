import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import { App } from "./app";
import { keyOfAddress } from "./login";
import { apply } from "./preferences";
import "./theme.css";

apply();
const firstKey = keyOfAddress(); // before anything reads the address
const place = document.getElementById("page");
if (place !== null) render(<App firstKey={firstKey} />, place);
