var builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddHttpForwarder();
var app = builder.Build();
app.MapGet("/health/live", () => "ok");
app.Run();
