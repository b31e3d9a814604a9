// A bare WebKitGTK page: what the app's window is measured beside. Usage: page FILE-URL
// A window of the size of the app's, a web view in it, and nothing else.

#include <webkit2/webkit2.h>

int main(int count, char **words) {
    gtk_init(&count, &words);
    if (count != 2) {
        g_printerr("usage: page URL\n");
        return 2;
    }
    GtkWidget *window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    GtkWidget *view = webkit_web_view_new();
    gtk_window_set_title(GTK_WINDOW(window), "Bare page");
    gtk_window_set_default_size(GTK_WINDOW(window), 1280, 800);
    gtk_container_add(GTK_CONTAINER(window), view);
    g_signal_connect(window, "destroy", G_CALLBACK(gtk_main_quit), NULL);
    webkit_web_view_load_uri(WEBKIT_WEB_VIEW(view), words[1]);
    gtk_widget_show_all(window);
    gtk_main();
    return 0;
}
