// A file of its own, so that the page's content security policy can forbid inline scripts.
window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // A token in local storage would outlive the tab.
  persistAuthorization: false,
  // The validator is a foreign host.
  validatorUrl: null,
});
