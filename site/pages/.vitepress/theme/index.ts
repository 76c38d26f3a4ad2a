import Layout from './Layout.vue';
import './base.css';
import './content.css';
import './figures.css';
import './playground.css';

export default { Layout };
