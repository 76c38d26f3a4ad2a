import Layout from './Layout.vue';
import './base.css';
import './content.css';
import './figures.css';
import './playground.css';
import './lens.css';
import './reference.css';

export default { Layout };
