using LlmGateway.Access;
using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.Api;

/// <summary>The description of the API, and in development a page to read and try it; all of the page comes from the gateway itself.</summary>
internal static class OpenApiEndpoints
{
    private const string DocumentPath = "/openapi/v1.json";

    public static void MapOpenApi(this WebApplication app)
    {
        // Written at the first call: all endpoints are mapped by then.
        var document = new Lazy<byte[]>(() => OpenApiDocument.Write(app.Services.GetRequiredService<EndpointDataSource>().Endpoints));
        app.MapMethods(DocumentPath, [HttpMethods.Get], (RequestDelegate)(context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = document.Value.Length;
            return context.Response.Body.WriteAsync(document.Value, context.RequestAborted).AsTask();
        })).WithAccess(EndpointAccess.Client);

        var page = app.Services.GetRequiredService<HostSettings>().IsDevelopment ? CreatePage(app) : NoPageAsync;
        app.MapMethods("/swagger/{**path}", [HttpMethods.Get], page).WithAccess(EndpointAccess.Client);
    }

    private static RequestDelegate CreatePage(WebApplication app)
    {
        var branch = ((IApplicationBuilder)app).New();
        branch.UseSwaggerUI(options =>
        {
            options.RoutePrefix = "swagger";
            options.DocumentTitle = "LlmGateway";
            options.SwaggerEndpoint(DocumentPath, "LlmGateway");
        });
        var files = branch.Build();
        return context =>
        {
            SecurityHeaders.AddForPages(context.Response.Headers);

            // Files are served only to requests that no endpoint has taken.
            context.SetEndpoint(null);
            return files(context);
        };
    }

    private static Task NoPageAsync(HttpContext context) =>
        ErrorWriter.WriteAsync(context, new GatewayError(404, ErrorTypes.InvalidRequest, ErrorCodes.NotFound, $"The page is there in development alone; the document is at {DocumentPath}."));
}
