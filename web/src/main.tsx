import { render } from 'preact';
import { App } from './app';
import { startTheme } from './theme';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/player.css';
import './styles/listen.css';
import './styles/train.css';
import './styles/work.css';

startTheme();
const root = document.getElementById('page');
if (root !== null) render(<App />, root);
