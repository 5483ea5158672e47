import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { connect } from './api/connect';
import './styles/index.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has an element with the id root');

const feed = connect(document.baseURI);
createRoot(root).render(
  <StrictMode>
    <App onRetry={() => feed.retryNow()} />
  </StrictMode>,
);
